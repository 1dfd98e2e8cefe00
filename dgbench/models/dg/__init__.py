"""The Dual-Generator (Hsu et al., CVPR 2022): IDSG makes landmarks, RFG draws the face."""
