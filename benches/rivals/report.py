def markdown(*a): return "todo\n"
