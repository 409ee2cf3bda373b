-- The language server `entrack lsp` for Neovim: require("entrack").setup(), or with another command
-- require("entrack").setup({ cmd = { "/path/to/entrack", "lsp" } }). From 0.7 on, without plugins.
local M = {}

local function root(name)
  local folder = vim.fs and vim.fs.dirname(name) or vim.fn.fnamemodify(name, ":h")
  if vim.fs and vim.fs.find then
    local git = vim.fs.find(".git", { path = folder, upward = true })[1]
    return git and vim.fs.dirname(git) or folder
  end
  return folder
end

function M.setup(given)
  local config = vim.tbl_extend("force", { name = "entrack", cmd = { "entrack", "lsp" } }, given or {})
  if vim.lsp.config then -- 0.11
    config.name = nil
    config.filetypes = config.filetypes or { "entrack" }
    config.root_markers = config.root_markers or { ".git" }
    vim.lsp.config("entrack", config)
    vim.lsp.enable("entrack")
    return
  end
  local client -- of 0.7, which has no vim.lsp.start
  vim.api.nvim_create_autocmd("FileType", {
    pattern = "entrack",
    callback = function(event)
      local here = vim.tbl_extend("keep", config, { root_dir = root(vim.api.nvim_buf_get_name(event.buf)) })
      if vim.lsp.start then
        vim.lsp.start(here)
        return
      end
      if not (client and vim.lsp.get_client_by_id(client)) then
        client = vim.lsp.start_client(here)
      end
      if client then
        vim.lsp.buf_attach_client(event.buf, client)
      end
    end,
  })
end

return M
