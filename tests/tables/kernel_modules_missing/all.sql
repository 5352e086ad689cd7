SELECT * FROM kernel_modules;
