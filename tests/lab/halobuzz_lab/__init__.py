"""The test lab: real hosts, a registry, a git server and an S3 server, as containers on one machine.

Standard library only, so that it runs before `make tools`. Start reading at `cli.py`.
"""
