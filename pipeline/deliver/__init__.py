"""Delivery of pictures to a store: assets, records and manifests; verification, rollback and cleaning."""
