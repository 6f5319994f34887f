"""Learning in motion: a net is trained, and its decision regions and its loss are shown from the first step on."""
