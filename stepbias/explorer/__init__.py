"""The explorer: descent on two or three weights, computed in the browser, as one page that needs no service.

Its parts are plain JavaScript, HTML and CSS; nothing here imports anything but the standard library, so that the command
prints it in the light installation and the API serves the same bytes.
"""
