# mypy: ignore-errors
"""Builds the extension as its authors do; the test compiles it by itself."""

from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CppExtension

setup(
    name="fused",
    ext_modules=[
        CppExtension(
            "fused._C",
            ["csrc/fused.cpp"],
            extra_compile_args={"cxx": ["-O2", "-DPy_LIMITED_API=0x03090000"]},
            py_limited_api=True,
        )
    ],
    cmdclass={"build_ext": BuildExtension},
    options={"bdist_wheel": {"py_limited_api": "cp39"}},
)
