"""The desk: pages of the broker's zone that people sign in at, for coordinators, operators and whoever audits them.

To add a page: a route in a router, with one of `who`'s types as a parameter; the router in `app.ROUTERS`; a template
that extends `base.html`; a line in `sections`, where it is gone to from every page. Its line in `tests/broker/acts.py`
says which entry of the trail looking at it or acting on it leaves.
"""
