"""Rules of routes: conditions over what a request is like, and where it goes then."""
