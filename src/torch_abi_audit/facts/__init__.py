"""Facts about a package as a whole, apart from verdicts and findings.

The environments it may be installed in, the torch it needs and the torch it requires, the CUDA it
is linked to, and the oldest glibc and Python that it runs on. Pure functions of values.
"""
