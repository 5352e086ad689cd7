SELECT * FROM acpi_tables;
