"""What is asked of the parts of the service and of this machine: does it answer, is it free, who could reach it."""
