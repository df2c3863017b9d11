"""The status page in a browser, and the pictures of the documents.

states   the pages of every state, as the rules leave them
browser  Debian's Chromium without a window, by its DevTools protocol
looks    the rules that a page must keep: nothing fetched, nothing beside the screen, contrast and the other rules of WCAG AA
terminal a command's output as a page
shots    `make pictures`: the pictures in docs/pictures/
"""
