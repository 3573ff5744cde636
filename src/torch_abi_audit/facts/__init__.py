"""What is known of a package as a whole, apart from verdicts and findings.

Where it may be installed, which torch it calls for and which it declares, which CUDA it is linked
to, and the oldest glibc and Python that it runs on. Pure: values in, values out.
"""
