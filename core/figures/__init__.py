"""Figures: functions from results to matplotlib figures, drawn without pyplot."""
