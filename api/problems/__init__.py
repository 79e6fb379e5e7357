"""Why a request is not answered as asked, and the problem document that says so."""
