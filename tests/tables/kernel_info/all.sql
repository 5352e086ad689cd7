SELECT * FROM kernel_info;
