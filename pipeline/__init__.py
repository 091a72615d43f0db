"""From brand specs to pictures in a store. Each package imports only earlier ones: spec, plan, store, deliver, render,
review, cli."""
