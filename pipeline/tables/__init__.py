"""What a table, an input and a contract are: headers, their SQL, rules, the catalog."""
