"""Public suites of rules, tried on the findings. Nothing of them is kept here but their rules' names."""
