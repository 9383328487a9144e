package main

import "fmt"

// checkNames refuses two constants of one name, in Go or in C, before a
// compiler would complain about generated text.
func checkNames(all []*Schema) error {
	seen := make(map[string]string)
	add := func(name, owner string) error {
		if other, twice := seen[name]; twice {
			return fmt.Errorf("constant %s: both of %s and of %s", name, other, owner)
		}
		seen[name] = owner
		return nil
	}
	for _, s := range all {
		for _, st := range s.Structs {
			if err := structNames(st, add); err != nil {
				return err
			}
		}
		for _, e := range s.Enums {
			for _, v := range e.Values {
				if err := add(macro(e.Name)+"_"+macro(v.Name), "enum "+e.Name); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func structNames(s *Struct, add func(name, owner string) error) error {
	if err := add(macro(s.Name)+"_SIZE", "struct "+s.Name); err != nil {
		return err
	}
	for _, f := range s.Fields {
		if err := add(macro(s.Name)+"_"+macro(f.Name)+"_OFFSET", "struct "+s.Name); err != nil {
			return err
		}
	}
	return nil
}
