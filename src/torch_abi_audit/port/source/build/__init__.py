"""What each kind of build file says about the stable ABI: one module a kind."""
