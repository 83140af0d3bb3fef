"""What every service stands on: geodesy, models, formats, simulation."""
