Package: half-written
Status: install ok installed
Version: 1
