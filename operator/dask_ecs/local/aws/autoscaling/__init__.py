"""Auto Scaling, as far as moto's differs from AWS'."""
