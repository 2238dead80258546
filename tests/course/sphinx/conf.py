project = "A course"
extensions = ["myst_parser", "sphinx.ext.mathjax", "symbp.sphinx"]
latex_engine = "pdflatex"
html_theme = "basic"
