SELECT version, path, device, length(arguments) AS length FROM kernel_info;
