"""The package that contains `brandpress.pipeline` and `brandpress.model`.

setuptools (`package-dir` in pyproject.toml) and tests/checkout.py put this file above them. Without it, another folder
`brandpress` on the import path could replace them.
"""
