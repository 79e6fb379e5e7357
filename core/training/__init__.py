"""The loop around the steps: stopping, recording, attempts at completion, and runs made of several trainings."""
