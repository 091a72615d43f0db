"""Pictures -> assets, records and manifests in a store; and how they are verified, rolled back and cleaned up."""
