"""Drawing of the graph of a `Value`: names, boxes and arrows, folded parts, layout, SVG."""
