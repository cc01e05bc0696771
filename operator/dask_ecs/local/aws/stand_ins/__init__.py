"""Programs that stand in for those of images which this machine can not run."""
