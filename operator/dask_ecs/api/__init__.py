"""What users write: the models of the custom resources, and the CRDs made from them."""
