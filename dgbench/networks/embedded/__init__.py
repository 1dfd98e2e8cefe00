"""Small networks trained by this project on SynthFace people and shipped with it, so that all works offline."""
