package program

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/urfave/cli/v2"
)

// LoadConfig sets the flags that neither the command line nor the environment
// set, from the file that --config names. A key is the name of a flag; its dots
// may be written as TOML tables.
func LoadConfig(c *cli.Context) error {
	name := c.String(ConfigFlag)
	if name == "" {
		return nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("cannot read the configuration: %w", err)
	}
	values, err := parseConfig(data)
	if err != nil {
		return fmt.Errorf("cannot read the configuration %s: %w", name, err)
	}
	known := flagNames(c.Command.Flags)
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(known, key) || key == ConfigFlag {
			return fmt.Errorf("cannot use the configuration %s: no flag --%s; known are %s", name, key, strings.Join(known, ", "))
		}
		if c.IsSet(key) {
			continue
		}
		if err := c.Set(key, values[key]); err != nil {
			return fmt.Errorf("cannot use the configuration %s: %s: %w", name, key, err)
		}
	}
	return nil
}

func flagNames(flags []cli.Flag) []string {
	var names []string
	for _, flag := range flags {
		names = append(names, flag.Names()[0])
	}
	slices.Sort(names)
	return names
}

// parseConfig flattens TOML into values by dotted key.
func parseConfig(data []byte) (map[string]string, error) {
	var tree map[string]any
	if err := toml.Unmarshal(data, &tree); err != nil {
		var at *toml.DecodeError
		if errors.As(err, &at) {
			line, column := at.Position()
			return nil, fmt.Errorf("line %d, column %d: %w", line, column, err)
		}
		return nil, err
	}
	values := make(map[string]string)
	return values, flatten(values, "", tree)
}

func flatten(values map[string]string, prefix string, tree map[string]any) error {
	for key, value := range tree {
		switch v := value.(type) {
		case map[string]any:
			if err := flatten(values, prefix+key+".", v); err != nil {
				return err
			}
		case []any:
			parts := make([]string, len(v))
			for i, part := range v {
				parts[i] = fmt.Sprint(part)
			}
			values[prefix+key] = strings.Join(parts, ",")
		case string, int64, float64, bool:
			values[prefix+key] = fmt.Sprint(v)
		default:
			return fmt.Errorf("%s%s: got a %T; want a string, number, boolean or list", prefix, key, v)
		}
	}
	return nil
}
