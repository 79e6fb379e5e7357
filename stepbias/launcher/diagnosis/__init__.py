"""What `stepbias doctor` looks at: the installation, the machine, secrets, the store with its workers, the API."""
