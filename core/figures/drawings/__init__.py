"""The drawing of each figure: what its panels show, and how one is drawn. One module per figure."""
