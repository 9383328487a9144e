package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// helpWidth is how wide help is, in columns.
const helpWidth = 100

// dress makes help lists commands by what they are for, and breaks long lines.
func dress(cmd *cobra.Command) {
	cmd.SetUsageTemplate(strings.ReplaceAll(cmd.UsageTemplate(), ".FlagUsages", fmt.Sprint(".FlagUsagesWrapped ", helpWidth)))
	cmd.CompletionOptions.DisableDefaultCmd = true
}

// addGroup adds commands under a title of their own.
func addGroup(cmd *cobra.Command, title string, list ...*cobra.Command) {
	cmd.AddGroup(&cobra.Group{ID: title, Title: title + ":"})
	for _, one := range list {
		one.GroupID = title
		cmd.AddCommand(one)
	}
}

// otherNames are what people try first; the error of an unknown command then names ours.
func otherNames(cmd *cobra.Command, names ...string) *cobra.Command {
	cmd.SuggestFor = names
	return cmd
}

// arguments takes least to most arguments. Where it is not that many it says what they are.
func arguments(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		form := strings.TrimSuffix(strings.TrimPrefix(cmd.UseLine(), cmd.Root().Name()+" "), " [flags]")
		if len(args) < least {
			return usage("%s: an argument is missing", form)
		}
		if len(args) > most {
			return usage("%s: %q is one argument too many; quote what has spaces, and patterns", form, args[most])
		}
		return nil
	}
}

// helpFor says where the flags of a command stand.
func helpFor(cmd *cobra.Command) string {
	return fmt.Sprintf("Run %s --help for the flags, with examples.", cmd.CommandPath())
}
