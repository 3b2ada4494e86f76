# mrsdeploy's functions, as a module and among the built-in names.
