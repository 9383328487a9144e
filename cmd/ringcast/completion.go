package main

import (
	"slices"
	"strings"

	"github.com/ringcast/ringcast"
	"github.com/spf13/cobra"
)

const completionHelp = `Print the script with which a shell completes commands and flags, and existing names:
topics after pub, sub and survey, services after call. bash needs its package
bash-completion for that.`

const completionExamples = `  . <(ringcast completion bash)                                        # in ~/.bashrc
  ringcast completion zsh > ~/.zsh/_ringcast                           # a folder of $fpath
  ringcast completion fish > ~/.config/fish/completions/ringcast.fish`

func (t *tool) completionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "completion bash|zsh|fish", Short: "print the script by which a shell completes", Long: completionHelp,
		Example: completionExamples, Args: arguments(1, 1), ValidArgs: []string{"bash", "zsh", "fish"},
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return failed(root.GenBashCompletionV2(t.stdout, true))
			case "zsh":
				return failed(root.GenZshCompletion(t.stdout))
			case "fish":
				return failed(root.GenFishCompletion(t.stdout, true))
			}
			return usage("completion %s: want bash, zsh or fish", args[0])
		},
	}
}

// completed offers a shell names for the first argument of a command, as Inspect sees them; where it sees nothing, none.
func (t *tool) completed(cmd *cobra.Command, names func(*ringcast.Snapshot) []string) *cobra.Command {
	cmd.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		s, err := ringcast.Inspect(&t.config)
		if err != nil || len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		list := names(s)
		slices.Sort(list)
		return slices.Compact(list), cobra.ShellCompDirectiveNoFileComp
	}
	return cmd
}

// topicsOf are the topics that are there, or that somebody publishes, on this node or on others; those of the system are left out.
func topicsOf(s *ringcast.Snapshot) (names []string) {
	for i := range s.Topics {
		names = append(names, s.Topics[i].Name)
	}
	for i := range s.Participants {
		names = append(names, interests(s.Participants[i].Info, true)...)
	}
	for i := range s.Nodes {
		for _, p := range s.Nodes[i].Participants {
			names = append(names, interests(p.Info, true)...)
		}
	}
	return slices.DeleteFunc(names, func(name string) bool { return strings.HasPrefix(name, "$") })
}

// servicesOf are the services of this node and of others.
func servicesOf(s *ringcast.Snapshot) (names []string) {
	for _, one := range instancesHere(s) {
		names = append(names, one.Service)
	}
	for i := range s.Nodes {
		for _, one := range instancesThere(&s.Nodes[i]) {
			names = append(names, one.Service)
		}
	}
	return names
}
