"""Drawing of the graph of a `Value`: names, boxes and edges, folded parts, layout, SVG."""
