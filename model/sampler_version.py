"""The sampler's version, part of every render key: raise it with any change that alters pixels."""

SAMPLER = "euler-empirical-mu/1"
HOSTED_SAMPLER = "bfl-api/1"
