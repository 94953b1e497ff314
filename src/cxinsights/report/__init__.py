"""What a notebook calls to show and record a result, and how an executed notebook becomes a page."""
