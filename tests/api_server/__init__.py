"""Tests of the CRD on a real API server, through kubectl."""
