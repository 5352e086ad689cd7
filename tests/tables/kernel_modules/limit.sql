SELECT name FROM kernel_modules LIMIT 2;
