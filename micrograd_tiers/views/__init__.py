"""Drawings of graphs, nets and training steps as SVG and as HTML pages, without NumPy and Matplotlib."""
