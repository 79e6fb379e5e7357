"""The explorer: descent on two or three weights, computed in the browser, as one page that needs no service.

Its parts are plain JavaScript, HTML and CSS. Nothing here imports more than the standard library: the command prints
the page in the light installation, and the API, which knows nothing else of `stepbias`, serves the same bytes.
"""
