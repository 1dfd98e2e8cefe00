"""The static report: pages, plots, image grids, figures for papers."""
