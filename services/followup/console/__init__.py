"""The console: pages and forms for people. It reads through adapters/read and acts through intake's API.

Nothing imports it but the composition root. `cases`, `forms`, `figures` and `reports` are the pages, `pages` holds
their templates, `sign_in` lets a browser in, `problem_pages` shows what went wrong.
"""
