"""Tests of the models of what users write."""
