"""Rendering: scene, camera, light and rasteriser."""
