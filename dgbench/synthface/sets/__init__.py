"""Sets of renders: the mini set, trees in other sets' layouts, live rendering."""
