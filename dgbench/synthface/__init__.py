"""SynthFace: a rendered world of people with exact ground truth, and the trees and sets made of it."""
